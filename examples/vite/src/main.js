import './style.css'

document.querySelector('#clock').textContent = `Vite in ${import.meta.env.MODE}`
